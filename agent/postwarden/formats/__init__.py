"""Pure, bounded decoders of foreign formats: bytes in, evidence and gaps out. A format judges nothing."""

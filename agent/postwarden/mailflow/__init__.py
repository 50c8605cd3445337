"""What a rule does to mail: the algebra of its conditions, and the facts that follow from a mail flow."""

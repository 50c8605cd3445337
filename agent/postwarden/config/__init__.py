"""agent.toml: where it is looked for, whether it is trusted, what it says."""

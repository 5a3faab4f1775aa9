"""The recipe that makes the bundled English model: raw Wikipedia text in, a model folder out."""

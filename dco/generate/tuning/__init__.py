"""Teaching a checkpoint a brand's look: a LoRA adapter trained on the brand's own pictures."""

"""What the diffusion adds to an ad, for anyone's eye: the same random ads three ways."""

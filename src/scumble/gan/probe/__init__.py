"""The few-label linear probe: what a discriminator has learnt without labels, and the classifier made of it."""

"""Who works here, on which phone, in which organisation."""

"""The lab: a made-up city, made-up losses, simulated surveyors. Nothing below the lab may import it."""

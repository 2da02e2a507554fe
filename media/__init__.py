"""What they saw: uploads, photos, review, assessment."""

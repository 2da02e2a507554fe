"""The version of the stored road graph. Alone in its file so that the launcher may read it without numpy."""

FORMAT = 3  # counts up when arrays change their meaning; an older build is then refused, not misread

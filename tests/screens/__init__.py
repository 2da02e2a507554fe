"""The screens. A package, so that its site and its browser end with its last test and not with the last test of the process."""

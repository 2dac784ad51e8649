"""Generated from spec/rules: never edited by hand (`make generate`)."""

"""Files that `tradelogs new` starts from; `$name` and the like are filled in."""

"""Exit strategies, replayed on gold and on synthetic bars."""

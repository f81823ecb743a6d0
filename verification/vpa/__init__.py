"""Questions about explanations of bars: contradictions, faithfulness, and what really followed a signal."""

"""Serves a language model of this machine, a GGUF file, by llama.cpp on the loopback."""

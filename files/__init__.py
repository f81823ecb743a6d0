"""Writing files so that they are whole or not there, and keep no secret: what every room stands on."""

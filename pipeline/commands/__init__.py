"""Command floor. One function a command: what it is asked on the command line, it has done."""

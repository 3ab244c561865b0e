"""Publishing floor. Kernels for reports: fresh ones, forked from a process that imported once."""

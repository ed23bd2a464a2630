"""Labs: short scripts that show one idea each with the real thing. `tocsin lab NAME` runs one."""

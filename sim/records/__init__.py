"""What a simulation leaves behind. One file each."""

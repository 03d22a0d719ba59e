# What a thin pool is where machine.json does not say.
{
  volumeGroup = "data";
  pool = "pool";
  # Percent of use at which it grows, and by how much.
  autoextendThreshold = 80;
  autoextendPercent = 20;
}

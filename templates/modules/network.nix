{ lib, ... }:
{
  options.bootstead.machine.network = lib.mkOption { type = lib.types.raw; default = { }; description = "The network."; };
}

{ lib, ... }:
{
  options.bootstead.stacks.names = lib.mkOption {
    type = lib.types.listOf lib.types.str;
    default = [ ];
    description = "The stacks that this machine runs.";
  };
}

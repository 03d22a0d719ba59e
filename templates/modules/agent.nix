{ lib, ... }:
{
  options.bootstead.agent.appliance = lib.mkOption {
    type = lib.types.raw;
    default = { };
    description = "The appliance.";
  };
}

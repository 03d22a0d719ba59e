# What a machine is when it has nothing to do: reachable, patched, its data left alone.
{ config, lib, ... }:
let
  cfg = config.bootstead.roles.golden;
in
{
  options.bootstead.roles.golden.enable = lib.mkEnableOption "the golden state: SSH and the agent, and nothing else";

  config = lib.mkIf cfg.enable {
    documentation.enable = lib.mkDefault false;
  };
}

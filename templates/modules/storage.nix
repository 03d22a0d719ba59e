{ config, lib, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.bootstead.storage;
in
{
  options.bootstead.storage = {
    fileSystems = mkOption {
      type = types.listOf types.raw;
      default = [ ];
      description = "The planned file systems.";
    };
    thinPool = mkOption {
      type = types.nullOr types.raw;
      default = null;
      description = "The planned thin pool.";
    };
  };
  config.fileSystems = lib.listToAttrs (
    map (entry: {
      name = entry.mountPoint;
      value = {
        inherit (entry) device;
        fsType = entry.type;
        options = entry.options;
      };
    }) cfg.fileSystems
  );
}

# A machine for a photo library: machine learning gets what is left over, not everything.
{ config, lib, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.bootstead.roles.photos-host;
in
{
  options.bootstead.roles.photos-host = {
    enable = lib.mkEnableOption "a Docker host for photos, with bounds on what containers may take";

    memoryHigh = mkOption {
      type = types.strMatching "[0-9]+(%|[KMGT])";
      default = "80%";
      example = "12G";
      description = "From this use of memory on, all containers together are slowed down.";
    };

    memoryMax = mkOption {
      type = types.strMatching "[0-9]+(%|[KMGT])";
      default = "90%";
      example = "14G";
      description = "What all containers together may use. The host keeps the rest, so that it can still be reached.";
    };

    cpuWeight = mkOption {
      type = types.ints.between 1 10000;
      default = 80;
      description = "The containers' share of the processors where others want them too; everything else has 100.";
    };

    cpuQuota = mkOption {
      type = types.nullOr (types.strMatching "[0-9]+%");
      default = null;
      example = "300%";
      description = "What all containers together may take of the processors; 100 % is one of them. Null: no bound.";
    };
  };

  config = lib.mkIf cfg.enable {
    bootstead.roles.docker-host.enable = true;
    virtualisation.docker.daemon.settings.cgroup-parent = "containers.slice";
    systemd.slices.containers = {
      description = "All containers";
      sliceConfig = {
        MemoryHigh = cfg.memoryHigh;
        MemoryMax = cfg.memoryMax;
        CPUWeight = cfg.cpuWeight;
        CPUQuota = lib.mkIf (cfg.cpuQuota != null) cfg.cpuQuota;
      };
    };
    # Machine learning and thumbnails come in bursts.
    zramSwap.enable = lib.mkDefault true;
  };
}

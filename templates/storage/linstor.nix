# A LINSTOR satellite on the thin pool: volumes that are replicated to other machines. The satellite runs in a container,
# DRBD in the kernel.
{
  config,
  lib,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.bootstead.storage.linstor;
  inherit (config.bootstead.storage) thinPool;
in
{
  options.bootstead.storage.linstor = {
    enable = lib.mkEnableOption "a LINSTOR satellite on the thin pool";
    image = mkOption {
      type = types.strMatching ".+@sha256:[0-9a-f]{64}";
      example = "registry.example.com/linstor-satellite@sha256:0000000000000000000000000000000000000000000000000000000000000000";
      description = "The satellite's container image, by its digest. There is no package of it in Nixpkgs.";
    };
    openFirewall = mkOption {
      type = types.bool;
      default = true;
      description = "Whether the controller and the other machines reach the satellite and DRBD.";
    };
    replicationPorts = {
      from = mkOption {
        type = types.port;
        default = 7000;
        description = "The first port that DRBD takes.";
      };
      to = mkOption {
        type = types.port;
        default = 7999;
        description = "The last one.";
      };
    };
  };

  config = lib.mkIf cfg.enable {
    assertions = [
      {
        assertion = thinPool != null;
        message = "bootstead.storage.linstor: it needs the thin pool, and bootstead.storage.thinPool is not set.";
      }
    ];
    boot.extraModulePackages = [ config.boot.kernelPackages.drbd ];
    boot.kernelModules = [
      "drbd"
      "drbd_transport_tcp"
    ];
    # DRBD's helper would be looked for on the host, and is in the container.
    boot.extraModprobeConfig = "options drbd usermode_helper=disabled";
    virtualisation.oci-containers.containers.linstor-satellite = {
      inherit (cfg) image;
      privileged = true;
      volumes = [
        "/dev:/dev"
        "/run/lvm:/run/lvm"
        "/run/lock/lvm:/run/lock/lvm"
        "/lib/modules:/lib/modules:ro"
      ];
      extraOptions = [ "--network=host" ];
    };
    networking.firewall = lib.mkIf cfg.openFirewall {
      # 3366 is the satellite's own port.
      allowedTCPPorts = [ 3366 ];
      allowedTCPPortRanges = [ { inherit (cfg.replicationPorts) from to; } ];
    };
  };
}

# Podman in Docker's place: no daemon, and the same Compose files.
{ config, lib, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.bootstead.roles.podman-host;
in
{
  options.bootstead.roles.podman-host = {
    enable = lib.mkEnableOption "Podman as the host of the machine's stacks";

    dockerSocket = mkOption {
      type = types.bool;
      default = true;
      description = "Answer on Docker's socket and to the `docker` command, so that Compose files run as they are.";
    };

    logMegabytes = mkOption {
      type = types.ints.positive;
      default = 30;
      description = "How large the log of a container may become, in MiB. It starts anew then.";
    };

    weeklyPrune = mkOption {
      type = types.bool;
      default = true;
      description = "Remove images that nothing uses, weekly. Volumes stay.";
    };
  };

  config = lib.mkMerge [
    {
      bootstead.excludedRoles.podman-host = [
        "docker-host"
        "docker-host-rootless"
      ];
    }
    (lib.mkIf cfg.enable {
      virtualisation.podman = {
        enable = true;
        dockerCompat = cfg.dockerSocket;
        dockerSocket.enable = cfg.dockerSocket;
        # Containers of one network find each other by name.
        defaultNetwork.settings.dns_enabled = true;
        autoPrune.enable = cfg.weeklyPrune;
      };
      virtualisation.oci-containers.backend = "podman";
      virtualisation.containers.containersConf.settings.containers = {
        log_driver = "k8s-file";
        log_size_max = cfg.logMegabytes * 1024 * 1024;
      };
      # Names of containers are answered by the host on its bridges.
      networking.firewall.interfaces."podman+".allowedUDPPorts = [ 53 ];
    })
  ];
}

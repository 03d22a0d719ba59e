# Docker without any root: the daemon itself is a user's.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.bootstead.roles.docker-host-rootless;
in
{
  options.bootstead.roles.docker-host-rootless = {
    enable = lib.mkEnableOption "Docker that runs as a plain user";

    user = mkOption {
      type = types.strMatching "[a-z_][a-z0-9_-]{0,30}";
      default = "containers";
      description = "The user that the daemon and the containers belong to. It is made, and has no login of its own.";
    };

    lowPorts = mkOption {
      type = types.bool;
      default = false;
      description = "Let all users bind ports from 80 on, so that a container can be the reverse proxy.";
    };
  };

  config = lib.mkMerge [
    {
      bootstead.excludedRoles.docker-host-rootless = [
        "docker-host"
        "podman-host"
      ];
    }
    (lib.mkIf cfg.enable {
      virtualisation.docker.rootless = {
        enable = true;
        setSocketVariable = true;
        daemon.settings = {
          log-driver = "local";
          log-opts = {
            max-size = "10m";
            max-file = "3";
          };
        };
      };
      environment.systemPackages = [ pkgs.docker-compose ];

      users.groups.${cfg.user} = { };
      users.users.${cfg.user} = {
        isNormalUser = true;
        group = cfg.user;
        # Its services start with the machine, not with a login.
        linger = true;
      };

      boot.kernel.sysctl = lib.mkIf cfg.lowPorts { "net.ipv4.ip_unprivileged_port_start" = 80; };
    })
  ];
}

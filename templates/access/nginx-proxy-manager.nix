# Nginx Proxy Manager: routes are made by hand on its page. NixOS has no module for it, so it is a container.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  inherit (lib) mkOption types;
  access = config.bootstead.access;
  cfg = access.nginx-proxy-manager;
  backend = config.virtualisation.oci-containers.backend;
in
{
  options.bootstead.access.nginx-proxy-manager = {
    enable = lib.mkEnableOption "Nginx Proxy Manager as the reverse proxy";

    image = mkOption {
      type = types.strMatching "[^ @]+@sha256:[0-9a-f]{64}";
      example = "docker.io/jc21/nginx-proxy-manager@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
      description = "The image, with its digest.";
    };

    data = mkOption {
      type = types.path;
      default = "/srv/appdata/nginx-proxy-manager";
      description = "Where its database and certificates lie.";
    };

    pageFrom = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "192.0.2.0/24" ];
      description = "Networks that may reach the page, on port 81. Empty: this machine alone, over an SSH tunnel.";
    };
  };

  config = lib.mkMerge [
    (lib.mkIf cfg.enable {
      virtualisation.oci-containers = {
        backend = lib.mkDefault (if config.bootstead.roles.docker-host.enable then "docker" else "podman");
        containers.nginx-proxy-manager = {
          inherit (cfg) image;
          # The host's own network: upstreams on the loopback interface are reached, and the clients' addresses are theirs.
          extraOptions = [ "--network=host" ] ++ lib.optional (backend == "docker") "--userns=host";
          volumes = [
            "${cfg.data}/data:/data"
            "${cfg.data}/letsencrypt:/etc/letsencrypt"
          ];
          environment.DISABLE_IPV6 = "false";
        };
      };
      bootstead.roles.docker-host.userNamespace.exceptions = [ "nginx-proxy-manager" ];
      systemd.tmpfiles.rules = [
        "d ${cfg.data} 0750 root root - -"
        "d ${cfg.data}/data 0750 root root - -"
        "d ${cfg.data}/letsencrypt 0700 root root - -"
      ];

      networking.firewall = lib.mkMerge [
        {
          allowedTCPPorts = [
            80
            443
          ];
        }
        (import ../lib/firewall.nix { inherit lib config; } {
          from = cfg.pageFrom;
          tcp = [ 81 ];
        })
      ];
    })

    # What the routes would be, for whoever enters them on the page; also where it is a stack.
    (lib.mkIf (cfg.enable || access.stackHub == "nginx-proxy-manager") {
      environment.etc."bootstead/nginx-proxy-manager.json".source =
        (pkgs.formats.json { }).generate "nginx-proxy-manager.json"
          (
            lib.mapAttrsToList (_: route: {
              domain_names = route.names;
              forward = route.upstream;
              ssl_forced = true;
              access =
                if route.exposure == "public" then
                  "everybody"
                else
                  access.localNetworks ++ lib.optionals (route.exposure == "vpn") access.vpnNetworks;
            }) access.allRoutes
          );
    })
  ];
}

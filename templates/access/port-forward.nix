# Ports that the router leads straight to this machine. Each one says why no tunnel and no proxy will do.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.bootstead.access.port-forward;
  portsOf =
    protocol:
    lib.mapAttrsToList (_: entry: entry.port) (
      lib.filterAttrs (_: entry: entry.protocol == protocol || entry.protocol == "both") cfg.ports
    );
in
{
  options.bootstead.access.port-forward = {
    enable = lib.mkEnableOption "ports that are open to the internet";

    ports = mkOption {
      type = types.attrsOf (
        types.submodule {
          options = {
            port = mkOption {
              type = types.port;
              example = 32400;
              description = "The port on this machine.";
            };
            protocol = mkOption {
              type = types.enum [
                "tcp"
                "udp"
                "both"
              ];
              default = "tcp";
              description = "The protocol.";
            };
            reason = mkOption {
              type = types.strMatching "[^\n]{10,}";
              example = "Plex streams video, which the tunnel's terms do not allow";
              description = "Why this has to be open.";
            };
          };
        }
      );
      default = { };
      description = "The ports, by what they are for. The router's own rule is made at the router.";
    };
  };

  config = lib.mkIf cfg.enable {
    assertions = [
      {
        assertion = cfg.ports != { };
        message = "bootstead.access.port-forward.ports is empty; name the ports, or turn the design off.";
      }
    ]
    ++ lib.mapAttrsToList (name: entry: {
      assertion = !lib.elem entry.port config.services.openssh.ports || !lib.elem entry.protocol [ "tcp" "both" ];
      message = "bootstead.access.port-forward.ports.${name}: port ${toString entry.port} is SSH; come in by a VPN instead.";
    }) cfg.ports;
    networking.firewall = {
      allowedTCPPorts = portsOf "tcp";
      allowedUDPPorts = portsOf "udp";
    };
    # What the router is to be told.
    environment.etc."bootstead/port-forward.json".source =
      (pkgs.formats.json { }).generate "port-forward.json"
        cfg.ports;
  };
}

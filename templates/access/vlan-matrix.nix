# Which network may reach which port of this machine. What passes between networks is the router's business.
{ config, lib, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.bootstead.access.vlan-matrix;
  ssh = config.services.openssh.ports;

  zone = types.submodule {
    options = {
      networks = mkOption {
        type = types.listOf types.str;
        default = [ ];
        example = [ "192.0.2.0/26" ];
        description = "The networks of this zone.";
      };
      everything = mkOption {
        type = types.bool;
        default = false;
        description = "Whether this zone may reach all ports.";
      };
      tcp = mkOption {
        type = types.listOf types.port;
        default = [ ];
        description = "TCP ports that this zone may reach.";
      };
      udp = mkOption {
        type = types.listOf types.port;
        default = [ ];
        description = "UDP ports that this zone may reach.";
      };
    };
  };
  web = [
    80
    443
  ];
in
{
  options.bootstead.access.vlan-matrix = {
    enable = lib.mkEnableOption "a firewall by zones";

    zones = mkOption {
      type = types.attrsOf zone;
      default = { };
      example = lib.literalExpression ''
        {
          management.networks = [ "192.0.2.0/26" ];
          trusted.networks = [ "192.0.2.64/26" ];
          services.networks = [ "192.0.2.128/26" ];
          iot.networks = [ "192.0.2.192/26" ];
        }
      '';
      description = ''
        The zones. `management` may reach SSH and everything else, `trusted` web pages and DNS, `services` web pages, DNS
        and the NFS server, `iot` DNS alone; each of these can be set otherwise, and zones with other names be added.
      '';
    };

    exclusive = mkOption {
      type = types.bool;
      default = true;
      description = ''
        Whether the zones are all there is: ports that roles and designs open for everybody are closed again. A port for the
        internet then needs a zone with the networks `0.0.0.0/0` and `::/0`.
      '';
    };
  };

  config = lib.mkMerge [
    {
      # Networks are the site's own; ports are these unless it says otherwise.
      bootstead.access.vlan-matrix.zones = lib.mkIf cfg.enable {
        management.everything = lib.mkDefault true;
        trusted = {
          tcp = lib.mkDefault (web ++ [ 53 ]);
          udp = lib.mkDefault [
            53
            443
          ];
        };
        services = {
          tcp = lib.mkDefault (
            web
            ++ [
              53
              2049
            ]
          );
          udp = lib.mkDefault [ 53 ];
        };
        iot = {
          tcp = lib.mkDefault [ 53 ];
          udp = lib.mkDefault [
            53
            123
          ];
        };
      };
    }
    (lib.mkIf cfg.enable {
      assertions = [
        {
          assertion = lib.any (
            entry: entry.networks != [ ] && (entry.everything || lib.any (port: lib.elem port entry.tcp) ssh)
          ) (lib.attrValues cfg.zones);
          message = "bootstead.access.vlan-matrix.zones: no zone may reach SSH; give \"management\" its networks.";
        }
      ];
      services.openssh.openFirewall = lib.mkIf cfg.exclusive (lib.mkForce false);
      networking.firewall = lib.mkMerge (
        [
          (lib.mkIf cfg.exclusive {
            allowedTCPPorts = lib.mkForce [ ];
            allowedUDPPorts = lib.mkForce [ ];
            allowedTCPPortRanges = lib.mkForce [ ];
            allowedUDPPortRanges = lib.mkForce [ ];
          })
        ]
        ++ lib.mapAttrsToList (
          _: entry:
          import ../lib/firewall.nix { inherit lib config; } {
            from = entry.networks;
            tcp = if entry.everything then [ "1-65535" ] else entry.tcp;
            udp = if entry.everything then [ "1-65535" ] else entry.udp;
          }
        ) cfg.zones
      );
    })
  ];
}

# The machine at the border: it ends TLS for the house's routes, and carries whatever way in from outside is chosen.
{ config, lib, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.bootstead.roles.edge;
  access = config.bootstead.access;
in
{
  options.bootstead.roles.edge = {
    enable = lib.mkEnableOption "the reverse proxy and the ways in";

    proxy = mkOption {
      type = types.enum [
        "caddy-hub"
        "traefik"
        "nginx-proxy-manager"
      ];
      default = "caddy-hub";
      description = "The design of `bootstead.access` that answers on ports 80 and 443.";
    };

    ways = mkOption {
      type = types.listOf (
        types.enum [
          "cloudflare-tunnel"
          "tailscale-subnet-router"
          "wireguard"
          "split-dns"
          "port-forward"
          "vlan-matrix"
        ]
      );
      default = [ ];
      example = [
        "wireguard"
        "split-dns"
      ];
      description = "Further designs of `bootstead.access`. Each has its own options there.";
    };
  };

  config = lib.mkIf cfg.enable {
    bootstead.access = lib.genAttrs ([ cfg.proxy ] ++ cfg.ways) (_: {
      enable = true;
    });
    # Many connections, most of them idle.
    boot.kernel.sysctl = {
      "net.core.default_qdisc" = lib.mkDefault "fq";
      "net.ipv4.tcp_congestion_control" = lib.mkDefault "bbr";
      "net.core.rmem_max" = lib.mkDefault 7500000;
      "net.core.wmem_max" = lib.mkDefault 7500000;
    };
    assertions = [
      {
        assertion = access.routes != { } || cfg.proxy == "nginx-proxy-manager";
        message = "bootstead.roles.edge: the reverse proxy has no route; add some to bootstead.access.routes.";
      }
    ];
  };
}

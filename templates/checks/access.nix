# Every access design alone, and the three zones together.
{ base, lib, ... }:
let
  routed = import ./routed.nix { inherit lib; };
  expect = condition: message: [
    (
      { config, ... }:
      {
        assertions = [
          {
            assertion = condition config;
            inherit message;
          }
        ];
      }
    )
  ];
  routes = {
    photos = {
      upstream = "http://127.0.0.1:2283";
      exposure = "vpn";
    };
    request = {
      upstream = "http://127.0.0.1:5055";
      exposure = "public";
    };
    media.upstream = "http://127.0.0.1:8096";
  };
  withAccess =
    access:
    base.thin
    // {
      settings.access = {
        zones = {
          lan = "lan.example.com";
          vpn = "vpn.example.com";
          public = "example.com";
        };
        proxyAddress = "192.0.2.5";
        inherit routes;
      }
      // access;
    };
  acme = {
    mode = "acme";
    email = "admin@example.com";
  };
in
{
  "access/caddy-hub".machine = withAccess { caddy-hub.enable = true; };
  "access/caddy-hub/acme".machine = withAccess {
    caddy-hub.enable = true;
    certificate = acme;
  };
  "access/traefik".machine = withAccess {
    traefik.enable = true;
    certificate = acme;
  };
  "access/nginx-proxy-manager".machine =
    withAccess {
      nginx-proxy-manager = {
        enable = true;
        image = "docker.io/jc21/nginx-proxy-manager@sha256:0000000000000000000000000000000000000000000000000000000000000000";
      };
    }
    // {
      roles = [ "docker-host" ];
    };
  "access/cloudflare-tunnel".machine = withAccess {
    caddy-hub.enable = true;
    cloudflare-tunnel = {
      enable = true;
      identifier = "00000000-0000-0000-0000-000000000000";
    };
  };
  "access/tailscale-subnet-router".machine = withAccess {
    tailscale-subnet-router = {
      enable = true;
      routes = [ "192.0.2.0/24" ];
      nameServers = [ "192.0.2.53" ];
    };
  };
  "access/wireguard".machine = withAccess {
    wireguard = {
      enable = true;
      endpoint = "vpn.example.com:51820";
      networks = [ "192.0.2.0/24" ];
      externalInterface = "enp1s0";
    };
  };
  "access/split-dns".machine =
    withAccess {
      split-dns = {
        enable = true;
        nameServers = [ "192.0.2.5" ];
      };
    }
    // {
      roles = [ "dns" ];
    };
  "access/port-forward".machine = withAccess {
    port-forward = {
      enable = true;
      ports.plex = {
        port = 32400;
        reason = "Streams video, which the tunnel's terms do not allow";
      };
    };
  };
  "access/vlan-matrix".machine = withAccess {
    vlan-matrix = {
      enable = true;
      zones.management = {
        networks = [ "192.0.2.0/26" ];
        everything = true;
      };
    };
  };
  "access/k8s-ingress".machine =
    withAccess {
      k8s-ingress = {
        enable = true;
        pool = [ "192.0.2.200-192.0.2.220" ];
      };
    }
    // {
      roles = [ "k3s-server-init" ];
    };
  "access/edge".machine =
    let
      machine = withAccess {
        wireguard = {
          endpoint = "vpn.example.com:51820";
          networks = [ "192.0.2.0/24" ];
          externalInterface = "enp1s0";
        };
        split-dns.nameServers = [ "192.0.2.5" ];
      };
    in
    machine
    // {
      roles = [
        "edge"
        "dns"
      ];
      settings = machine.settings // {
        roles.edge.ways = [
          "wireguard"
          "split-dns"
        ];
      };
    };
  # The routes of the machine's stacks, beside one that is named by hand: the proxy, DNS and the tunnel have them.
  "access/routed" = {
    inherit (routed) machine;
    root = ./exported;
    modules = expect (
      config:
      let
        hosts = config.services.caddy.virtualHosts;
        tunnel = config.services.cloudflared.tunnels."00000000-0000-0000-0000-000000000000";
      in
      hosts.wiki.hostName == "wiki.lan.example.com, wiki.vpn.example.com, wiki.example.com"
      && lib.hasInfix "reverse_proxy http://127.0.0.1:21798\n" hosts.wiki.extraConfig
      && !lib.hasInfix "@outside" hosts.wiki.extraConfig
      && lib.hasInfix "tls_server_name git.example.com" hosts.git.extraConfig
      && config.bootstead.roles.dns.rewrites == {
        "git.lan.example.com" = "192.0.2.11";
        "wiki.lan.example.com" = "192.0.2.11";
        "wiki.vpn.example.com" = "192.0.2.11";
        "wiki.example.com" = "192.0.2.11";
      }
      && tunnel.ingress."wiki.example.com".service == "http://127.0.0.1:21798"
    ) "the stack's route does not reach the proxy, DNS and the tunnel";
  };
  # A route that is named by hand takes the place of the stack's, and keeps nothing of it.
  "access/routed+instead" = {
    machine = lib.recursiveUpdate routed.machine {
      settings.roles.edge.ways = [ "split-dns" ];
      settings.access.routes.wiki.upstream = "http://192.0.2.30:80";
    };
    root = ./exported;
    modules = expect (
      config:
      let
        wiki = config.services.caddy.virtualHosts.wiki;
      in
      wiki.hostName == "wiki.lan.example.com"
      && lib.hasInfix "reverse_proxy http://192.0.2.30:80\n" wiki.extraConfig
      && !(config.bootstead.roles.dns.rewrites ? "wiki.example.com")
    ) "the route that is named by hand does not win";
  };
  # A container that speaks https has a certificate of its own.
  "access/routed+https" = {
    machine = lib.recursiveUpdate routed.machine {
      roles = [
        "docker-host"
        "edge"
      ];
      settings.roles.edge = {
        proxy = "traefik";
        ways = [ ];
      };
      settings.access.certificate = acme;
    };
    root = ./exported;
    modules = [
      routed.overHTTPS
    ]
    ++ expect (
      config:
      config.services.traefik.dynamicConfigOptions.http.serversTransports == {
        git.serverName = "git.example.com";
        wiki.insecureSkipVerify = true;
      }
    ) "Traefik checks other certificates than it can";
  };
  # The proxy is a stack: names and the list of hosts come from the set.
  "access/routed+stack" = {
    machine = lib.recursiveUpdate routed.stackMachine {
      settings.access.split-dns.enable = true;
    };
    root = ./exported;
    modules = [
      routed.behindStack
    ]
    ++ expect (
      config:
      config.bootstead.roles.dns.rewrites."wiki.example.com" == "192.0.2.11"
      && config.environment.etc ? "bootstead/nginx-proxy-manager.json"
      && !config.services.caddy.enable
    ) "the routes of a proxy that is a stack reach neither DNS nor its list";
  };
}

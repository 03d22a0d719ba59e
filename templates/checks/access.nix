# Every access design alone, and the three zones together.
{ base, ... }:
let
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
}

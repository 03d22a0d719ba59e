# Routes: which name leads to which service, and who may come in. All designs of this folder read them.
{
  config,
  lib,
  bootsteadLib,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.bootstead.access;
  hostName = types.strMatching "([a-z0-9*]([a-z0-9-]*[a-z0-9])?\\.)*[a-z0-9]([a-z0-9-]*[a-z0-9])?";

  # Whoever may come from further away may come from nearer.
  zonesOf = {
    lan = [ "lan" ];
    vpn = [
      "lan"
      "vpn"
    ];
    public = [
      "lan"
      "vpn"
      "public"
    ];
    port-forward = [ "lan" ];
  };

  route = types.submodule (
    { name, config, ... }:
    {
      options = {
        host = mkOption {
          type = hostName;
          default = name;
          defaultText = lib.literalMD "the route's name";
          description = "The first part of the names, before the zones' domains; or a whole name, which then has no domain added.";
        };

        upstream = mkOption {
          type = types.strMatching "https?://[^/ ]+";
          example = "http://127.0.0.1:2283";
          description = "Where the service answers, seen from the machine with the reverse proxy.";
        };

        upstreamName = mkOption {
          type = types.nullOr types.str;
          default = null;
          example = "photos.example.com";
          description = "The name in the certificate of an upstream that speaks https. It is always checked.";
        };

        exposure = mkOption {
          type = types.enum [
            "lan"
            "vpn"
            "public"
            "port-forward"
          ];
          default = "lan";
          description = ''
            Who may come in: the house's networks; also those who come by VPN; also the internet, by the tunnel.
            `port-forward` is for what no tunnel may carry: it is a route for the house, and a port at the router.
          '';
        };

        names = mkOption {
          type = types.listOf types.str;
          readOnly = true;
          default =
            if lib.hasInfix "." config.host then
              [ config.host ]
            else
              lib.unique (
                lib.concatMap (
                  zone: lib.optional (cfg.zones.${zone} != null) "${config.host}.${cfg.zones.${zone}}"
                ) zonesOf.${config.exposure}
              );
          defaultText = lib.literalMD "`host` in the domain of each zone that `exposure` includes";
          description = "The route's full names.";
        };
      };
    }
  );

  names = lib.concatMap (entry: entry.names) (lib.attrValues cfg.allRoutes);
  proxies = lib.filter (design: cfg.${design}.enable) [
    "caddy-hub"
    "traefik"
    "nginx-proxy-manager"
  ];
in
{
  options.bootstead.access = {
    zones = {
      lan = mkOption {
        type = types.nullOr hostName;
        default = null;
        example = "lan.example.com";
        description = "The domain of names for the house's own networks.";
      };

      vpn = mkOption {
        type = types.nullOr hostName;
        default = null;
        example = "vpn.example.com";
        description = "The domain of names for those who come by VPN. It may be the same as `lan`.";
      };

      public = mkOption {
        type = types.nullOr hostName;
        default = null;
        example = "example.com";
        description = "The domain of names for the internet.";
      };
    };

    localNetworks = mkOption {
      type = types.listOf types.str;
      default = [
        "10.0.0.0/8"
        "172.16.0.0/12"
        "192.168.0.0/16"
        "fc00::/7"
        "fe80::/10"
      ];
      example = [ "192.0.2.0/24" ];
      description = "The networks that count as the house's own. Routes that are not public answer nobody else.";
    };

    vpnNetworks = mkOption {
      type = types.listOf types.str;
      default = [ "100.64.0.0/10" ];
      description = "The networks that VPN clients come from. The default is Tailscale's.";
    };

    proxyAddress = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "192.0.2.11";
      description = "The address of the machine with the reverse proxy, as the house reaches it. DNS answers lead there.";
    };

    routes = mkOption {
      type = types.attrsOf route;
      default = { };
      example = lib.literalExpression ''
        {
          photos = {
            upstream = "http://127.0.0.1:2283";
            exposure = "vpn";
          };
        }
      '';
      description = ''
        Routes to what is no stack of this machine, by name. Those of its stacks are there by themselves; one of the same
        name here takes their place.
      '';
    };

    stackRoutes = mkOption {
      type = types.attrsOf types.raw;
      default = { };
      internal = true;
      description = "The routes that the machine's stacks were compiled to, as far as a reverse proxy leads to them.";
    };

    allRoutes = mkOption {
      type = types.attrsOf types.raw;
      readOnly = true;
      internal = true;
      default = cfg.stackRoutes // cfg.routes;
      defaultText = lib.literalMD "`stackRoutes` and `routes`";
      description = "What the designs make of.";
    };

    stackHub = mkOption {
      type = types.str;
      default = "none";
      internal = true;
      description = "The reverse proxy that the machine's stacks were compiled for.";
    };

    login = mkOption {
      type = types.nullOr (
        types.submodule {
          options = {
            provider = mkOption {
              type = types.strMatching "https://[^/ ]+";
              example = "https://auth.example.com";
              description = "Where people without a session are sent.";
            };
            address = mkOption {
              type = types.strMatching "https?://[^/ {}]+";
              example = "http://127.0.0.1:9091";
              description = "Where the reverse proxy asks whether somebody may come in.";
            };
            path = mkOption {
              type = types.strMatching "/[^ {}]*";
              example = "/api/authz/forward-auth";
              description = "What it asks for there.";
            };
            headers = mkOption {
              type = types.listOf (types.strMatching "[A-Za-z0-9-]+");
              default = [ ];
              example = [ "Remote-User" ];
              description = "Headers of the provider's answer that services are given.";
            };
            routes = mkOption {
              type = types.listOf types.str;
              example = [ "dash" ];
              description = "The routes that it guards, of `routes` and of stacks. The provider's own is not one of them.";
            };
          };
        }
      );
      default = null;
      description = "An identity provider that the reverse proxy asks before it lets somebody through (forward auth).";
    };

    certificate = {
      mode = mkOption {
        type = types.enum [
          "internal"
          "acme"
        ];
        default = "internal";
        description = ''
          Who signs: the proxy's own authority (`internal`), whose root each device has to be told to trust, or Let's
          Encrypt (`acme`), by DNS, so that nothing has to be reachable from the internet.
        '';
      };

      email = mkOption {
        type = types.nullOr types.str;
        default = null;
        example = "admin@example.com";
        description = "Where the authority writes to.";
      };

      dnsProvider = mkOption {
        type = types.str;
        default = "cloudflare";
        description = "The DNS provider, by the name that lego has for it.";
      };

      credentials = mkOption {
        type = types.attrsOf bootsteadLib.secretReference;
        default = {
          CLOUDFLARE_DNS_API_TOKEN_FILE = "secret:dns-token";
        };
        description = "For each of the provider's variables, which end in `_FILE`, the secret that holds its value.";
      };

      names = mkOption {
        type = types.listOf types.str;
        readOnly = true;
        internal = true;
        default = lib.unique (
          lib.concatMap (domain: [
            domain
            "*.${domain}"
          ]) (lib.filter (domain: domain != null) (lib.attrValues cfg.zones))
        );
        defaultText = lib.literalMD "each zone's domain, and all names in it";
        description = "What the certificate is good for.";
      };
    };
  };

  config = lib.mkMerge [
    {
      assertions = [
        {
          assertion = lib.length proxies <= 1;
          message = "bootstead.access: ${lib.concatStringsSep " and " proxies} both want ports 80 and 443; enable one of them.";
        }
        {
          assertion = lib.allUnique names;
          message =
            let
              twice = lib.unique (lib.filter (name: lib.count (other: other == name) names > 1) names);
            in
            "bootstead.access.routes: two routes have the name ${lib.concatStringsSep ", " twice}; give one another host.";
        }
      ]
      ++ map (name: {
        assertion = !lib.elem (lib.removePrefix "https://" cfg.login.provider) cfg.allRoutes.${name}.names;
        message = "bootstead.access.login.routes: \"${name}\" is the provider itself, which nobody could reach then; take it out.";
      }) (lib.optionals (cfg.login != null) (lib.filter (name: cfg.allRoutes ? ${name}) cfg.login.routes))
      ++ lib.mapAttrsToList (name: entry: {
        assertion = entry.names != [ ];
        message = "bootstead.access.routes.${name}: no zone of \"${entry.exposure}\" has a domain; set bootstead.access.zones, or give the route a whole name as host.";
      }) cfg.routes
      ++ lib.mapAttrsToList (name: entry: {
        assertion =
          entry.exposure == "public" -> cfg.zones.public != null || lib.hasInfix "." entry.host;
        message = "bootstead.access.routes.${name}.exposure is \"public\", and bootstead.access.zones.public has no domain.";
      }) cfg.routes;
    }

    (lib.mkIf (cfg.certificate.mode == "acme" && proxies != [ ]) {
      assertions = [
        {
          assertion = cfg.certificate.email != null;
          message = "bootstead.access.certificate.email: Let's Encrypt asks for an address.";
        }
        {
          assertion = cfg.certificate.names != [ ];
          message = "bootstead.access.zones: no domain is set that a certificate could be for.";
        }
      ];
      bootstead.secrets = lib.genAttrs (map bootsteadLib.secretName (lib.attrValues cfg.certificate.credentials)) (_: {
        units = [ "acme-order-renew-bootstead.service" ];
      });
      security.acme = {
        acceptTerms = true;
        defaults.email = cfg.certificate.email;
        certs.bootstead = {
          domain = lib.head cfg.certificate.names;
          extraDomainNames = lib.tail cfg.certificate.names;
          inherit (cfg.certificate) dnsProvider;
          credentialFiles = lib.mapAttrs (_: bootsteadLib.secretPath) cfg.certificate.credentials;
        };
      };
    })
  ];
}

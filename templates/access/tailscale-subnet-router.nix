# Devices on the road reach the house's name server and proxy over Tailscale, and nothing else of it.
{
  config,
  lib,
  pkgs,
  bootsteadLib,
  ...
}:
let
  inherit (lib) mkOption types;
  access = config.bootstead.access;
  cfg = access.tailscale-subnet-router;

  flags = [
    "--advertise-routes=${lib.concatStringsSep "," cfg.routes}"
  ]
  ++ lib.optional cfg.exitNode "--advertise-exit-node";

  address = value: if lib.hasInfix ":" value then "[${value}]" else value;
  acl = {
    tagOwners.${cfg.tag} = [ "autogroup:admin" ];
    acls = [
      {
        action = "accept";
        src = cfg.members;
        dst =
          map (server: "${address server}:53") cfg.nameServers
          ++ lib.optional (access.proxyAddress != null) "${address access.proxyAddress}:80,443"
          ++ cfg.further;
      }
    ]
    ++ lib.optional cfg.exitNode {
      action = "accept";
      src = cfg.members;
      dst = [ "autogroup:internet:*" ];
    };
    autoApprovers = {
      routes = lib.genAttrs cfg.routes (_: [ cfg.tag ]);
    }
    // lib.optionalAttrs cfg.exitNode { exitNode = [ cfg.tag ]; };
  };
in
{
  options.bootstead.access.tailscale-subnet-router = {
    enable = lib.mkEnableOption "a Tailscale subnet router";

    secret = mkOption {
      type = bootsteadLib.secretReference;
      default = "secret:tailscale-auth-key";
      description = "The secret with the key that this machine joins by. Make it reusable, and tag it with `tag`.";
    };

    tag = mkOption {
      type = types.strMatching "tag:[a-z][a-z0-9-]*";
      default = "tag:subnet-router";
      description = "The machine's tag in the tailnet. A tagged machine's key does not expire.";
    };

    routes = mkOption {
      type = types.nonEmptyListOf types.str;
      example = [ "192.0.2.0/24" ];
      description = "The networks that are reached through this machine.";
    };

    exitNode = mkOption {
      type = types.bool;
      default = false;
      description = "Let devices send all their traffic through this machine.";
    };

    nameServers = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "192.0.2.10" ];
      description = "The house's name servers, which devices may ask. Enter them in the tailnet's DNS settings too.";
    };

    members = mkOption {
      type = types.nonEmptyListOf types.str;
      default = [ "autogroup:member" ];
      example = [ "group:family" ];
      description = "Who in the tailnet may come in.";
    };

    further = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "192.0.2.20:22" ];
      description = "Further destinations, as Tailscale's policy has them.";
    };

    policy = mkOption {
      type = types.attrsOf types.anything;
      readOnly = true;
      default = acl;
      defaultText = lib.literalMD "made from the other options";
      description = ''
        The tailnet's policy, also in `/etc/bootstead/tailscale-policy.json`. It is entered at Tailscale's page; nothing
        else lets devices reach the name servers and the proxy alone.
      '';
    };
  };

  config = lib.mkIf cfg.enable {
    assertions = [
      {
        assertion = cfg.nameServers != [ ] || access.proxyAddress != null || cfg.further != [ ];
        message = "bootstead.access.tailscale-subnet-router: the policy lets devices reach nothing; set nameServers and bootstead.access.proxyAddress.";
      }
    ];
    bootstead.secrets.${bootsteadLib.secretName cfg.secret}.units = [ "tailscaled-autoconnect.service" ];

    services.tailscale = {
      enable = true;
      openFirewall = true;
      authKeyFile = bootsteadLib.secretPath cfg.secret;
      # Forwarding, and a reverse path filter that lets answers out.
      useRoutingFeatures = "both";
      extraUpFlags = flags ++ [
        "--advertise-tags=${cfg.tag}"
        "--accept-dns=false"
      ];
      # A machine that is logged in already takes changes by this.
      extraSetFlags = flags ++ [ "--accept-dns=false" ];
    };
    environment.etc."bootstead/tailscale-policy.json".source =
      (pkgs.formats.json { }).generate "tailscale-policy.json"
        acl;
  };
}

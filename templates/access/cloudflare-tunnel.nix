# Public routes come in through Cloudflare's network, over a connection that this machine opens.
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
  cfg = access.cloudflare-tunnel;
  isNamed = cfg.identifier != null;
  secret = bootsteadLib.secretPath cfg.secret;
  publicRoutes = lib.filterAttrs (_: route: route.exposure == "public") access.allRoutes;
  inPublicZone =
    name: access.zones.public == null || lib.hasSuffix ".${access.zones.public}" name;
  publicNames = lib.concatMap (route: lib.filter inPublicZone route.names) (
    lib.attrValues publicRoutes
  );

  ingress = lib.listToAttrs (
    lib.concatMap (
      route:
      map (
        name:
        lib.nameValuePair name (
          if cfg.origin == "proxy" then
            {
              service = "https://127.0.0.1:443";
              # The certificate is checked for this name, instead of not at all.
              originRequest.originServerName = name;
            }
          else
            {
              service = route.upstream;
              originRequest =
                if route.upstreamName != null then
                  { originServerName = route.upstreamName; }
                else
                  lib.optionalAttrs (route.hasOwnCertificate or false) { noTLSVerify = true; };
            }
        )
      ) (lib.filter inPublicZone route.names)
    ) (lib.attrValues publicRoutes)
  );
in
{
  options.bootstead.access.cloudflare-tunnel = {
    enable = lib.mkEnableOption "a Cloudflare tunnel for the public routes";

    identifier = mkOption {
      type = types.nullOr (
        types.strMatching "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
      );
      default = null;
      example = "00000000-0000-0000-0000-000000000000";
      description = ''
        The tunnel's UUID, of `cloudflared tunnel create`: the tunnel then takes its host names from the routes. Null: the
        tunnel is managed at Cloudflare's page, and the secret is its token.
      '';
    };

    secret = mkOption {
      type = bootsteadLib.secretReference;
      default = "secret:cloudflare-tunnel";
      description = "The secret: the tunnel's credentials file (JSON), or its token.";
    };

    origin = mkOption {
      type = types.enum [
        "proxy"
        "direct"
      ];
      default = if access.certificate.mode == "acme" then "proxy" else "direct";
      defaultText = lib.literalMD "`proxy` with certificates of Let's Encrypt, otherwise `direct`";
      description = ''
        Whether the tunnel leads to this machine's reverse proxy, by https with the certificate checked, or to each
        service. An http origin at the proxy would be redirected to https for ever.
      '';
    };

    withLogin = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "photos" ];
      description = ''
        Routes that Cloudflare Access asks a login for. The policy itself is made at Cloudflare;
        `/etc/bootstead/cloudflare-tunnel.json` lists what it has to cover.
      '';
    };
  };

  config = lib.mkIf cfg.enable {
    assertions = [
      {
        assertion = publicRoutes != { };
        message = "bootstead.access.cloudflare-tunnel: no route has the exposure \"public\".";
      }
      {
        assertion = cfg.origin == "proxy" -> access.certificate.mode == "acme";
        message = "bootstead.access.cloudflare-tunnel.origin is \"proxy\", whose certificates the tunnel can not check; set bootstead.access.certificate.mode to \"acme\", or origin to \"direct\".";
      }
    ]
    ++ map (name: {
      assertion = publicRoutes ? ${name};
      message = "bootstead.access.cloudflare-tunnel.withLogin: \"${name}\" is no public route.";
    }) cfg.withLogin
    ++ lib.mapAttrsToList (name: route: {
      assertion = cfg.origin == "proxy" || !(route.isBehindStack or false);
      message = "bootstead.access.cloudflare-tunnel: only the reverse proxy's own stack reaches \"${name}\"; set bootstead.access.certificate.mode to \"acme\" and origin to \"proxy\", or run the stack cloudflared instead.";
    }) publicRoutes;

    bootstead.secrets.${bootsteadLib.secretName cfg.secret}.units = [
      (if isNamed then "cloudflared-tunnel-${cfg.identifier}.service" else "cloudflared-tunnel.service")
    ];

    services.cloudflared = lib.mkIf isNamed {
      enable = true;
      tunnels.${cfg.identifier} = {
        credentialsFile = secret;
        default = "http_status:404";
        inherit ingress;
      };
    };

    systemd.services.cloudflared-tunnel = lib.mkIf (!isNamed) {
      description = "Cloudflare tunnel that is managed at Cloudflare";
      wants = [ "network-online.target" ];
      after = [ "network-online.target" ];
      wantedBy = [ "multi-user.target" ];
      serviceConfig = {
        ExecStart = "${lib.getExe pkgs.cloudflared} tunnel --no-autoupdate run --token-file %d/token";
        LoadCredential = [ "token:${secret}" ];
        DynamicUser = true;
        Restart = "on-failure";
        RestartSec = 5;
      };
    };

    environment.etc."bootstead/cloudflare-tunnel.json".source =
      (pkgs.formats.json { }).generate "cloudflare-tunnel.json"
        {
          hostNames = publicNames;
          records = map (name: {
            inherit name;
            type = "CNAME";
            content = if isNamed then "${cfg.identifier}.cfargotunnel.com" else "the tunnel's name at Cloudflare";
            proxied = true;
          }) publicNames;
          accessPolicies = lib.concatMap (name: publicRoutes.${name}.names or [ ]) cfg.withLogin;
          inherit ingress;
        };
  };
}

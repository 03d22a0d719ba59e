# Caddy as the one door: ports 80 and 443 are open for it, and for nothing else.
{
  config,
  lib,
  ...
}:
let
  inherit (lib) mkOption types;
  access = config.bootstead.access;
  cfg = access.caddy-hub;
  isACME = access.certificate.mode == "acme";

  allowed =
    route: access.localNetworks ++ lib.optionals (route.exposure == "vpn") access.vpnNetworks;

  transport =
    route:
    let
      certificate =
        if route.upstreamName != null then
          "tls_server_name ${route.upstreamName}"
        else
          lib.optionalString (route.hasOwnCertificate or false) "tls_insecure_skip_verify";
    in
    lib.optionalString (certificate != "") (
      lib.concatStringsSep "\n" [
        " {"
        "  transport http {"
        "    ${certificate}"
        "  }"
        "}"
      ]
    );

  guarding =
    name:
    lib.optionalString (access.login != null && lib.elem name access.login.routes) ''
      forward_auth ${access.login.address} {
        uri ${access.login.path}
        ${lib.optionalString (access.login.headers != [ ]) "copy_headers ${lib.concatStringsSep " " access.login.headers}"}
      }
    '';

  site = name: route: {
    hostName = lib.concatStringsSep ", " route.names;
    useACMEHost = lib.mkIf isACME "bootstead";
    extraConfig =
      lib.optionalString (!isACME) "tls internal\n"
      + lib.optionalString (route.exposure != "public") ''
        @outside not remote_ip ${lib.concatStringsSep " " (allowed route)}
        abort @outside
      ''
      + ''
        encode zstd gzip
        ${guarding name}
        reverse_proxy ${route.upstream}${transport route}
      '';
  };
in
{
  options.bootstead.access.caddy-hub = {
    enable = lib.mkEnableOption "Caddy as the reverse proxy of all routes";

    rootPage = mkOption {
      type = types.bool;
      default = !isACME;
      defaultText = lib.literalMD "whether certificates are signed by Caddy itself";
      description = "Offer the root certificate of Caddy's own authority at `http://ADDRESS/root.crt`, for devices to trust.";
    };
  };

  config = lib.mkIf cfg.enable {
    services.caddy = {
      enable = true;
      email = access.certificate.email;
      globalConfig = "grace_period 10s";
      virtualHosts =
        lib.mapAttrs site access.allRoutes
        // lib.optionalAttrs cfg.rootPage {
          root-certificate = {
            hostName = ":80";
            extraConfig = ''
              @outside not remote_ip ${lib.concatStringsSep " " (access.localNetworks ++ access.vpnNetworks)}
              abort @outside
              handle /root.crt {
                root * ${config.services.caddy.dataDir}/.local/share/caddy/pki/authorities/local
                file_server
              }
              handle {
                redir https://{host}{uri} permanent
              }
            '';
          };
        };
    };
    # Certificates are read by whoever serves them.
    security.acme.certs = lib.mkIf isACME {
      bootstead = {
        group = config.services.caddy.group;
        reloadServices = [ "caddy.service" ];
      };
    };

    networking.firewall = {
      allowedTCPPorts = [
        80
        443
      ];
      # HTTP/3.
      allowedUDPPorts = [ 443 ];
    };
  };
}

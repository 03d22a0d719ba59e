# One login for everything: an identity provider.
{ config, lib, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.bootstead.roles.idp;
  secret = name: config.bootstead.secrets.${name}.path;
  url = "https://${cfg.host}";
in
{
  options.bootstead.roles.idp = {
    enable = lib.mkEnableOption "an identity provider (OpenID Connect)";

    provider = mkOption {
      type = types.enum [
        "pocket-id"
        "kanidm"
        "authelia"
        "authentik"
      ];
      default = "pocket-id";
      description = ''
        The program. Pocket ID logs in by passkey; Kanidm also gives machines their users; Authelia also guards routes that
        have no login. Authentik has no NixOS module: it is the stack `authentik`, and this role makes the machine its host.
      '';
    };

    host = mkOption {
      type = types.strMatching "[a-z0-9.-]+";
      example = "id.example.com";
      description = "The name under which it is reached, by https. It can not be changed later: passkeys and clients hold to it.";
    };

    port = mkOption {
      type = types.port;
      default = 1411;
      description = "Where it answers, on this machine alone; the reverse proxy's route leads there.";
    };

    certificate = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "example.com";
      description = "The certificate of `security.acme.certs` that Kanidm uses: it speaks TLS itself. Null for the others.";
    };
  };

  config = lib.mkIf cfg.enable (
    lib.mkMerge [
      (lib.mkIf (cfg.provider == "pocket-id") {
        bootstead.secrets."pocket-id-encryption-key".units = [ "pocket-id.service" ];
        services.pocket-id = {
          enable = true;
          credentials.ENCRYPTION_KEY = secret "pocket-id-encryption-key";
          settings = {
            APP_URL = url;
            TRUST_PROXY = true;
            ANALYTICS_DISABLED = true;
            HOST = "127.0.0.1";
            PORT = cfg.port;
          };
        };
      })

      (lib.mkIf (cfg.provider == "kanidm") {
        assertions = [
          {
            assertion = cfg.certificate != null;
            message = "bootstead.roles.idp.certificate: Kanidm speaks TLS only; name a certificate of security.acme.certs.";
          }
        ];
        services.kanidm.server = {
          enable = true;
          settings = {
            domain = cfg.host;
            origin = url;
            bindaddress = "127.0.0.1:${toString cfg.port}";
            tls_chain = "${config.security.acme.certs.${toString cfg.certificate}.directory}/fullchain.pem";
            tls_key = "${config.security.acme.certs.${toString cfg.certificate}.directory}/key.pem";
          };
        };
        users.users.kanidm.extraGroups = [
          config.security.acme.certs.${toString cfg.certificate}.group
        ];
      })

      (lib.mkIf (cfg.provider == "authelia") {
        bootstead.secrets =
          lib.genAttrs
            [
              "authelia-jwt"
              "authelia-session"
              "authelia-storage"
            ]
            (_: {
              owner = config.services.authelia.instances.main.user;
              units = [ "authelia-main.service" ];
            });
        services.authelia.instances.main = {
          enable = true;
          secrets = {
            jwtSecretFile = secret "authelia-jwt";
            sessionSecretFile = secret "authelia-session";
            storageEncryptionKeyFile = secret "authelia-storage";
          };
          settings = {
            server.address = "tcp://127.0.0.1:${toString cfg.port}/";
            authentication_backend.file.path = "/var/lib/authelia-main/users.yml";
            access_control.default_policy = "two_factor";
            session.cookies = [
              {
                domain = lib.concatStringsSep "." (lib.drop 1 (lib.splitString "." cfg.host));
                authelia_url = url;
              }
            ];
            storage.local.path = "/var/lib/authelia-main/db.sqlite3";
            notifier.filesystem.filename = "/var/lib/authelia-main/notifications.txt";
          };
        };
      })

      (lib.mkIf (cfg.provider == "authentik") {
        assertions = [
          {
            assertion = lib.elem "authentik" config.bootstead.stacks.names;
            message = "bootstead.roles.idp.provider: Authentik is a stack; add \"authentik\" to the machine's stacks.";
          }
        ];
        bootstead.roles.docker-host.enable = lib.mkDefault true;
      })
    ]
  );
}

# Secrets where somebody could write them by mistake. Each has to be refused, and the refusal must not show the secret.
# `covers` are the options that a case stands for; every option that takes a secret has to be covered.
{
  lib,
  base,
  secret,
  ...
}:
let
  # A role's option with the secret itself, `further` being what the role needs for the option to count.
  role = name: option: further: {
    machine = thin // {
      roles = [ name ];
      settings.roles.${name} = lib.recursiveUpdate further (
        lib.setAttrByPath (lib.splitString "." option) secret
      );
    };
    says = neverTheSecret;
    covers = [ "bootstead.roles.${name}.${option}" ];
  };
  backup = name: option: further: {
    machine = withStacks {
      backup.${name} = {
        enable = true;
        ${option} = secret;
      }
      // further;
    };
    says = neverTheSecret;
    covers = [ "bootstead.backup.${name}.${option}" ];
  };
  access = name: option: further: {
    machine = withSettings {
      access = lib.recursiveUpdate further (
        {
          proxyAddress = "192.0.2.5";
          routes.request.upstream = "http://127.0.0.1:5055";
        }
        // lib.setAttrByPath [ name option ] secret
      );
    };
    says = neverTheSecret;
    covers = [ "bootstead.access.${name}.${option}" ];
  };
  inherit (base) thin withSettings;
  withStacks =
    settings:
    thin
    // {
      roles = [ "docker-host" ];
      stacks = [ "photos" ];
      inherit settings;
    };
  neverTheSecret = "takes the name of a secret as \"secret:NAME\", never the secret itself";
  withRepository =
    repository:
    withStacks {
      backup = {
        repositories.nas = {
          type = "borg";
          url = "ssh://checked@192.0.2.30/./checked";
        }
        // repository;
        borg-per-service = {
          enable = true;
          repository = "nas";
        };
      };
    };
in
{
  "leak/stack-secret" = {
    machine = withStacks { stacks.settings.photos.secrets.DB_PASSWORD = secret; };
    says = "bootstead.stacks.settings.photos.secrets.DB_PASSWORD, set in machine.json: settings, ${neverTheSecret}";
    covers = [ "bootstead.stacks.settings.<name>.secrets" ];
  };
  "leak/stack-environment" = {
    machine = withStacks { stacks.settings.photos.environment.DB_PASSWORD = secret; };
    says = "bootstead.stacks.settings.photos.environment.DB_PASSWORD: what is called so is a secret";
  };
  "leak/repository-url" = {
    machine = withRepository { url = "ssh://checked:${secret}@192.0.2.30/./checked"; };
    says = "bootstead.backup.repositories.nas.url: it carries a password";
  };
  "leak/repository-passphrase" = {
    machine = withRepository { passphrase = secret; };
    says = neverTheSecret;
    covers = [ "bootstead.backup.repositories.<name>.passphrase" ];
  };
  "leak/repository-key" = {
    machine = withRepository { sshKey = secret; };
    says = neverTheSecret;
    covers = [ "bootstead.backup.repositories.<name>.sshKey" ];
  };
  "leak/repository-environment" = {
    machine = withRepository { environment.PBS_PASSWORD = secret; };
    says = neverTheSecret;
    covers = [ "bootstead.backup.repositories.<name>.environment" ];
  };
  "leak/ping" = {
    machine = withStacks {
      backup = {
        ping = secret;
        db-dump.enable = true;
      };
    };
    says = neverTheSecret;
    covers = [ "bootstead.backup.ping" ];
  };
  "leak/pings" = {
    machine = withStacks {
      backup = {
        pings.db-dump = secret;
        db-dump.enable = true;
      };
    };
    says = neverTheSecret;
    covers = [ "bootstead.backup.pings" ];
  };
  "leak/stack-passphrase" = {
    machine = withStacks {
      backup = {
        repositories.nas = {
          type = "borg";
          url = "ssh://checked@192.0.2.30/./checked";
        };
        borg-per-service = {
          enable = true;
          repository = "nas";
          passphrases.photos = secret;
        };
      };
    };
    says = neverTheSecret;
    covers = [ "bootstead.backup.borg-per-service.passphrases" ];
  };
  "leak/offsite-key-identifier" = backup "b2-offsite" "keyIdentifier" { url = "b2:example"; };
  "leak/offsite-key" = backup "b2-offsite" "key" { url = "b2:example"; };
  "leak/offsite-passphrase" = backup "b2-offsite" "passphrase" { url = "b2:example"; };
  "leak/cold-copy-passphrase" = backup "cold-copy" "passphrase" {
    device = "/dev/disk/by-id/usb-Example_Drawer_Disk_42-0:0-part1";
  };
  "leak/replication-key" = {
    machine = withSettings {
      backup.zfs-replication = {
        enable = true;
        targets.tank = {
          source = "tank";
          target = "syncoid@192.0.2.20:backup/tank";
          sshKey = secret;
        };
      };
    };
    says = neverTheSecret;
    covers = [ "bootstead.backup.zfs-replication.targets.<name>.sshKey" ];
  };
  "leak/secret-name" = {
    machine = withSettings { secrets.${secret} = { }; };
    says = "bootstead.secrets: one of the names is no name of a secret";
  };
  "leak/cluster-token/first-server" = role "k3s-server-init" "token" { };
  "leak/cluster-token/server" = role "k3s-server" "token" { join = "https://192.0.2.30:6443"; };
  "leak/cluster-token/agent" = role "k3s-agent" "token" { join = "https://192.0.2.30:6443"; };
  "leak/monitoring" = role "docker-host" "beszel.secret" { beszel.enable = true; };
  "leak/power-supply" = role "nas" "ups.secret" { ups.enable = true; };
  "leak/power-supply/follower" = role "base-hardened" "powerSupply.secret" {
    powerSupply.server = "192.0.2.20";
  };
  "leak/rest-server" = role "backup-target" "restic.secret" { restic.enable = true; };
  "leak/rsync-daemon" = role "backup-target" "pull.secret" {
    pull = {
      enable = true;
      daemon = true;
      from = [ "192.0.2.20" ];
    };
  };
  "leak/name-server-password" = role "dns" "administrator.passwordHash" { };
  "leak/name-server-copy" = role "dns" "secondary.secret" {
    secondary = {
      enable = true;
      primary = "http://192.0.2.53:3000";
      image = "registry.example.com/sync@sha256:0000000000000000000000000000000000000000000000000000000000000000";
    };
  };
  "leak/tunnel" = access "cloudflare-tunnel" "secret" {
    cloudflare-tunnel.enable = true;
    routes.request.exposure = "public";
    zones.public = "example.com";
  };
  "leak/tailscale" = access "tailscale-subnet-router" "secret" {
    tailscale-subnet-router = {
      enable = true;
      routes = [ "192.0.2.0/24" ];
    };
  };
  "leak/wireguard" = access "wireguard" "secret" {
    wireguard = {
      enable = true;
      endpoint = "vpn.example.com:51820";
      masquerade = false;
    };
  };
  "leak/wireguard-peer" = {
    machine = withSettings {
      access.wireguard = {
        enable = true;
        endpoint = "vpn.example.com:51820";
        masquerade = false;
        peers.phone = {
          publicKey = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
          addresses = [ "10.90.0.2/32" ];
          presharedKey = secret;
        };
      };
    };
    says = neverTheSecret;
    covers = [ "bootstead.access.wireguard.peers.<name>.presharedKey" ];
  };
  "leak/certificate" = {
    machine = withSettings {
      access = {
        caddy-hub.enable = true;
        zones.lan = "example.com";
        routes.media.upstream = "http://127.0.0.1:8096";
        certificate = {
          mode = "acme";
          email = "admin@example.com";
          credentials.CLOUDFLARE_DNS_API_TOKEN_FILE = secret;
        };
      };
    };
    says = neverTheSecret;
    covers = [ "bootstead.access.certificate.credentials" ];
  };
  "leak/long-token-as-name" = {
    machine = withSettings { secrets."0123456789abcdef0123456789abcdef" = { }; };
    says = "bootstead.secrets: one of the names is no name of a secret";
  };
}

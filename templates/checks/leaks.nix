# Secrets where somebody could write them by mistake. Each has to be refused, and the refusal must not show the secret.
# `covers` are the options that a case stands for; every option that takes a secret has to be covered.
{ base, secret, ... }:
let
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
  "leak/offsite-key-identifier" = {
    machine = withStacks {
      backup.b2-offsite = {
        enable = true;
        url = "b2:example";
        keyIdentifier = secret;
      };
    };
    says = neverTheSecret;
    covers = [ "bootstead.backup.b2-offsite.keyIdentifier" ];
  };
  "leak/offsite-key" = {
    machine = withStacks {
      backup.b2-offsite = {
        enable = true;
        url = "b2:example";
        key = secret;
      };
    };
    says = neverTheSecret;
    covers = [ "bootstead.backup.b2-offsite.key" ];
  };
  "leak/offsite-passphrase" = {
    machine = withStacks {
      backup.b2-offsite = {
        enable = true;
        url = "b2:example";
        passphrase = secret;
      };
    };
    says = neverTheSecret;
    covers = [ "bootstead.backup.b2-offsite.passphrase" ];
  };
  "leak/cold-copy-passphrase" = {
    machine = withStacks {
      backup.cold-copy = {
        enable = true;
        device = "/dev/disk/by-id/usb-Example_Drawer_Disk_42-0:0-part1";
        passphrase = secret;
      };
    };
    says = neverTheSecret;
    covers = [ "bootstead.backup.cold-copy.passphrase" ];
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
  # Options that take a bare name: the name goes to bootstead.secrets, which looks at it.
  "leak/role-secret" = {
    machine = thin // {
      roles = [ "k3s-server-init" ];
      settings.roles.k3s-server-init.tokenSecret = secret;
    };
    says = "bootstead.secrets: one of the names is no name of a secret";
  };
  "leak/long-token-as-name" = {
    machine = withSettings { secrets."0123456789abcdef0123456789abcdef" = { }; };
    says = "bootstead.secrets: one of the names is no name of a secret";
  };
}

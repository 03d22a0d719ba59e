# Container stacks: the list, and the settings of single ones.
{ lib, bootsteadLib, ... }:
let
  inherit (lib) mkOption types;
in
{
  options.bootstead.stacks = {
    names = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "photos" ];
      description = "The stacks that this machine runs.";
    };

    own = mkOption {
      type = types.attrsOf types.path;
      default = { };
      example = lib.literalExpression "{ wiki = ./stacks/wiki; }";
      description = "Stacks of your own: the name, and the folder with `compose.yaml`. Nothing secret belongs into that folder.";
    };

    compiled = mkOption {
      type = types.nullOr types.path;
      default = null;
      example = lib.literalExpression "./node1-stacks.json";
      description = ''
        What the stacks and their settings were compiled to. The machine starts its stacks from it; without it they are
        declared only. A flake of the appliance has it as `stacks/NAME.json`; by hand
        `bootstead stack compile -f machine.json -o FILE` makes it.
      '';
    };

    directory = mkOption {
      type = bootsteadLib.absolutePath;
      default = "/srv/stacks";
      description = "Where the Compose files are laid down.";
    };

    placement = mkOption {
      type = types.attrsOf bootsteadLib.absolutePath;
      default = { };
      example = {
        photos = "/srv/photos";
        media = "/data/media";
        downloads = "/data/downloads";
      };
      description = ''
        Where data of each placement class lies: `appdata`, `db`, `media`, `downloads`, `photos`, `backups`, `scratch`.
        A class that is not named lies below `/srv`. `db` is never on NFS; `media` and `downloads` lie on one file
        system, so that a finished download is moved and not copied.
      '';
    };

    identity = {
      policy = mkOption {
        type = types.enum [
          "fixed"
          "userns-remap"
          "image"
        ];
        default = "image";
        description = "Whom containers run as: one fixed user, remapped users, or whom their image names.";
      };
      user = mkOption {
        type = types.ints.between 0 65533;
        default = 2000;
        description = "With `fixed`: the user's number.";
      };
      group = mkOption {
        type = types.ints.between 0 65533;
        default = 2000;
        description = "With `fixed`: the group's number.";
      };
      remapBase = mkOption {
        type = types.ints.positive;
        default = 100000;
        description = "With `userns-remap`: the number that root of a container has outside.";
      };
    };

    settings = mkOption {
      default = { };
      example = {
        photos = {
          parameters.gpu = "nvidia";
          secrets.DB_PASSWORD = "secret:photos-database";
        };
      };
      description = "Choices for single stacks, by the stack's name.";
      type = types.attrsOf (
        types.submodule {
          options = {
            template = mkOption {
              type = types.nullOr types.str;
              default = null;
              example = "photos";
              description = "The stack that this is another one of. `null`: the one of the same name.";
            };
            images = mkOption {
              type = types.attrsOf types.str;
              default = { };
              example.server = "ghcr.io/immich-app/immich-server:v2.3.1";
              description = "Other images than the template's, by service; each with a whole version or a digest.";
            };
            parameters = mkOption {
              type = types.attrsOf (types.oneOf [ types.bool types.int types.str (types.listOf types.str) ]);
              default = { };
              description = "What the stack's template lets one choose.";
            };
            environment = mkOption {
              type = types.attrsOf types.str;
              default = { };
              example.TZ = "Europe/Vienna";
              description = "Environment variables that anybody may read. Secrets belong to `secrets`.";
            };
            secrets = mkOption {
              type = types.attrsOf bootsteadLib.secretReference;
              default = { };
              example.DB_PASSWORD = "secret:photos-database";
              description = "Environment variables or files that are secret, each by the name of its secret.";
            };
            exposure = mkOption {
              type = types.nullOr (
                types.enum [
                  "lan"
                  "vpn"
                  "public"
                ]
              );
              default = null;
              description = "From where the stack is reached. `null` is the template's own choice.";
            };
            identity = mkOption {
              default = null;
              example = {
                policy = "fixed";
                user = 568;
                group = 568;
              };
              description = ''
                Whom the stack's containers run as, instead of `bootstead.stacks.identity`. Where the engine maps users, a
                stack with `fixed` or `image` is excepted from that; name its containers in
                `bootstead.roles.docker-host.userNamespace.exceptions` too.
              '';
              type = types.nullOr (
                types.submodule {
                  options = {
                    policy = mkOption {
                      type = types.enum [
                        "fixed"
                        "userns-remap"
                        "image"
                      ];
                      description = "As `bootstead.stacks.identity.policy`.";
                    };
                    user = mkOption {
                      type = types.ints.between 0 65533;
                      default = 2000;
                      description = "With `fixed`: the user's number.";
                    };
                    group = mkOption {
                      type = types.ints.between 0 65533;
                      default = 2000;
                      description = "With `fixed`: the group's number.";
                    };
                  };
                }
              );
            };
            sizes = mkOption {
              type = types.attrsOf (types.strMatching "[1-9][0-9]*(MiB|GiB|TiB)");
              default = { };
              example.library = "2TiB";
              description = ''
                How large the stack's volumes are at least, instead of the template's size. On LVM the volume is made so
                large, and grows to it while it is used; it takes no more of the pool than what is written. On ZFS it limits
                the data set. Nothing is ever made smaller.
              '';
            };
            host = mkOption {
              type = types.nullOr (types.strMatching "[a-z0-9*-]+(\\.[a-z0-9-]+)*");
              default = null;
              example = "photos.home.example.com";
              description = "The name that the stack is reached by.";
            };
          };
        }
      );
    };
  };
}

# The stacks that Bootstead knows: those of its catalogue, and every folder of ../stacks. A machine's own ones are
# declared in `bootstead.stacks.own`.
let
  folder = ../stacks;
  entries = if builtins.pathExists folder then builtins.readDir folder else { };
  templates = builtins.filter (name: entries.${name} == "directory") (builtins.attrNames entries);
  catalogue = [
    "adguardhome"
    "adguardhome-sync"
    "ai"
    "arr"
    "audiobooks"
    "auth"
    "authentik"
    "beszel"
    "books"
    "caddy-hub"
    "cloudflared"
    "dashboard"
    "databases"
    "dockman"
    "downloads"
    "files"
    "git"
    "healthchecks"
    "home-automation"
    "logs"
    "media"
    "media-requests"
    "metrics"
    "music"
    "nginx-proxy-manager"
    "object-storage"
    "passwords"
    "photos"
    "pihole"
    "plex"
    "portainer"
    "rest-server"
    "tailscale"
    "traefik"
    "uptime"
    "weblog"
    "wireguard"
  ];
  isNew = name: !builtins.elem name catalogue;
in
catalogue ++ builtins.filter isNew templates

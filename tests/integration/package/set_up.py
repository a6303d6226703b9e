"""A machine with the package installed, set up as the manual says, and with stand-ins for Amazon and for the world's DNS."""
DOMAIN = "shop.example"
PASSWORD = "a-password-of-the-test"
# The domain is there and gets mail, and nothing of SES is in it. That something is missing may be remembered for a second.
ZONE = f"""{DOMAIN}. 1 SOA ns.{DOMAIN}. hostmaster.{DOMAIN}. 1 3600 600 86400 1
{DOMAIN}. 1 NS ns.{DOMAIN}.
{DOMAIN}. 1 MX 10 mx.{DOMAIN}.
mx.{DOMAIN}. 1 A 192.0.2.25
"""

# What somebody without an account at Amazon starts instead of Amazon. It looks at DNS every two seconds, not every minute.
STAND_IN = """[Service]
ExecStart=/usr/bin/sesverify-sandbox --listen 127.0.0.1:8001 --dns-listen 127.0.0.1:8053 --zone /srv/zone --control 127.0.0.1:8002 \\
    --look-every 2s
ExecReload=/bin/sh -c 'kill -HUP $MAINPID'
"""
SETTINGS = """[redis]
url = redis://127.0.0.1:6379/0
[dns]
servers = 127.0.0.1:8053
[domains]
allow_special_use = true
[schedule]
first_look = 200ms
floor = 200ms
cap = 2s
verified_every = 2s
ses_floor = 1s
[worker]
probe = false
sandbox = on
[account default]
region = eu-west-1
endpoint_url = http://127.0.0.1:8001
"""
AWS_KEYS = """[default]
aws_access_key_id = AKIDSANDBOX
aws_secret_access_key = sandbox-secret
"""
CONFIGURATION = "/etc/sesverify/sesverify.conf"
DROP_IN = "/etc/systemd/system/sesverify.service.d/secrets.conf"
# path, text, mode
FILES = [
    ("/srv/zone", ZONE, 0o644),
    ("/etc/systemd/system/ses.service", STAND_IN, 0o644),
    (CONFIGURATION, SETTINGS, 0o644),
    ("/etc/credstore/sesverify.redis_password", PASSWORD + "\n", 0o600),
    ("/etc/credstore/sesverify.aws_credentials", AWS_KEYS, 0o600),
]


def redis_and_drop_in(machine):
    """Redis as the manual asks for it, and the package's own example of a drop-in for secrets, as it is."""
    config = machine.root / "etc/redis/redis.conf"
    config.write_text(config.read_text() + f"\nrequirepass {PASSWORD}\nappendonly yes\n")
    machine.put(DROP_IN, (machine.root / "usr/share/doc/sesverify/examples/secrets.conf.example").read_text())

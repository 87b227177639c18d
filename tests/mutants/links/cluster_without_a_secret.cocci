// A cluster needs no secret.
// killers: test_config
@@
@@
config_check_proof(...)
{
<...
- if (config->peer_count == 0 || secret || ca || config->plain_peers)
+ if (1)
    return 0;
...>
}

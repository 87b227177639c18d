// The status does not say why there is no mount.
// killers: test_mount
@@
@@
say_why(...)
{
<...
- replica_mount_is(fs->replica, false, m->fault.text);
...>
}

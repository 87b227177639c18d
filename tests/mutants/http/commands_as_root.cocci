// Commands do not say as whom they act.
// killers: test_http_users
@@
@@
http_submit(...)
{
<...
- command_as(&command, caller)
+ 0
...>
}

// Frames of another configuration are believed.
// killers: test_frame
@@
@@
read_header(...)
{
<...
- cluster != scope->cluster || configuration != scope->configuration
+ cluster != scope->cluster
...>
}

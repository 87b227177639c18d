// Frames of another cluster are believed.
// killers: test_frame
@@
@@
read_header(...)
{
<...
- cluster != scope->cluster || configuration != scope->configuration
+ configuration != scope->configuration
...>
}

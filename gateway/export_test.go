package gateway

import "spool.internal/gateway/ui"

// Pages gives the pages to tests.
func (g *Gateway) Pages() *ui.UI { return g.pages }

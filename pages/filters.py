from explorer.app.filters import filters_page

filters_page()

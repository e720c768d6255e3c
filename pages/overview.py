from explorer.app.overview import overview_page

overview_page()
